// The token is in the fragment, which browsers send to no server.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
history.replaceState(null, "", location.pathname);

const form = document.getElementById("account");
const result = document.getElementById("result");

// A click, because some mail scanners open links and run scripts.
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  form.querySelector("button").disabled = true;
  result.textContent = await send();
});

async function send() {
  const body = JSON.stringify({ ...Object.fromEntries(new FormData(form)), token });
  const headers = { "Content-Type": "application/json" };
  try {
    const response = await fetch(form.action, { method: "POST", headers, body });
    if (response.ok) {
      form.hidden = true;
      return "Done. You can close this page.";
    }
    form.querySelector("button").disabled = false;
    const problem = await response.json();
    return (problem.errors ?? []).map((error) => error.detail).join(" ") || problem.detail;
  } catch {
    form.querySelector("button").disabled = false;
    return "The service is unavailable. Try again.";
  }
}
