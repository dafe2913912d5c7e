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

Redoc.init("/api/openapi.json", { hideLoading: true }, document.getElementById("redoc"));
