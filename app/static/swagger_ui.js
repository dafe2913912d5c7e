// In a file of its own, so that the page needs no inline script.

// Swagger UI has a dark theme, and leaves it to the page when.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  queryConfigEnabled: false, // or ?url= would show the document of another host
  validatorUrl: null, // would send the document to another host
});
