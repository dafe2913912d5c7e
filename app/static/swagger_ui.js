// In a file of its own, so that the page needs no inline script.

// Swagger UI has a dark theme, and leaves it to the page when.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

const DOCUMENT = "/api/openapi.json";
const GIVE_TOKENS = ["/api/auth/login", "/api/auth/login/second-factor", "/api/auth/refresh"];

// Behind a proxy the document may name http, where this page may call its own origin only.
function onThisOrigin(text) {
  const document = JSON.parse(text);
  for (const path of Object.values(document.paths))
    for (const operation of Object.values(path))
      if (operation["x-codeSamples"]) operation.description += samples(operation["x-codeSamples"]);
  return JSON.stringify({ ...document, servers: [{ ...document.servers[0], url: "/" }] });
}

// Swagger UI does not read x-codeSamples, but it renders Markdown and HTML in a description.
function samples(all) {
  const section = ({ lang, label, source }) =>
    `<details><summary>${label} sample</summary>\n\n\`\`\`${lang.toLowerCase()}\n${source}\`\`\`\n\n</details>`;
  return `\n\n${all.map(section).join("\n\n")}`;
}

function receive(response) {
  const { pathname } = new URL(response.url, location.href);
  if (response.ok && pathname === DOCUMENT) response.text = onThisOrigin(response.text);
  if (response.ok && GIVE_TOKENS.includes(pathname))
    ui.preauthorizeApiKey("bearerAuth", response.body.access_token);
  return response;
}

const ui = SwaggerUIBundle({
  url: DOCUMENT,
  responseInterceptor: receive,
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  queryConfigEnabled: false, // or ?url= would show the document of another host
  validatorUrl: null, // would send the document to another host
});
