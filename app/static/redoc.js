// In a file of its own, so that the page needs no inline script.

// ReDoc asks a CDN for a logo, and has no option against that; told that the image is not to be
// had, it shows none. React sets the source both as an attribute and as a property.
const image = HTMLImageElement.prototype;
const source = Object.getOwnPropertyDescriptor(image, "src");

function load(url) {
  if (/^https?:/.test(url) && !url.startsWith(`${location.origin}/`)) {
    queueMicrotask(() => this.dispatchEvent(new Event("error")));
  } else {
    source.set.call(this, url);
  }
}

Object.defineProperty(image, "src", { ...source, set: load });
image.setAttribute = function (name, value) {
  name === "src" ? load.call(this, value) : Element.prototype.setAttribute.call(this, name, value);
};

const family = "system-ui, sans-serif";
const typography = {
  fontFamily: family,
  headings: { fontFamily: family, fontWeight: "600" },
  code: { fontFamily: "ui-monospace, monospace" },
};
const spacing = { sectionVertical: 20 };
const day = { spacing, typography, colors: { primary: { main: "#0b57d0" } } };
const night = {
  spacing,
  colors: {
    primary: { main: "#8ab4f8" },
    success: { main: "#6fcf7f" },
    warning: { main: "#ffb74d" },
    error: { main: "#ff8a80" },
    gray: { 50: "#22252b", 100: "#2a2e35" },
    text: { primary: "#e6e6e9", secondary: "#a5a9b1" },
    border: { dark: "rgba(255, 255, 255, 0.15)", light: "#383c44" },
    responses: {
      success: { backgroundColor: "#1b2a20" },
      error: { backgroundColor: "#2e1d1f" },
      redirect: { backgroundColor: "#2d2618" },
      info: { color: "#7cc4e8", backgroundColor: "#1a2730" },
    },
  },
  schema: { linesColor: "#4a5563", nestedBackground: "#1d2025" },
  typography: { ...typography, code: { ...typography.code, color: "#ffab91", backgroundColor: "#22252b" } },
  sidebar: {
    backgroundColor: "#1b1e23",
    textColor: "#e6e6e9",
    groupItems: { activeBackgroundColor: "#2a2e35" },
    level1Items: { activeBackgroundColor: "#2a2e35" },
  },
  rightPanel: { backgroundColor: "#101216", servers: { overlay: { backgroundColor: "#22252b", textColor: "#e6e6e9" }, url: { backgroundColor: "#16181c" } } },
  fab: { backgroundColor: "#2a2e35", color: "#8ab4f8" },
};

// A theme is fixed once the page is drawn.
const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => location.reload());
const theme = dark.matches ? night : day;
// Show the samples before the payload.
const options = { hideLoading: true, hideSchemaPattern: true, payloadSampleIdx: 3, theme };
Redoc.init("/api/openapi.json", options, document.getElementById("redoc"));
