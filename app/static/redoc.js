// In a file of its own, so that the page needs no inline script.
Redoc.init("/api/openapi.json", { hideLoading: true }, document.getElementById("redoc"));
