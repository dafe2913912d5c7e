/** A client of the Flask API Service: what the generated types leave to do by hand. */

export { Api, type Answer, type ApiOptions } from "./api.js";
export { items, type Page } from "./pages.js";
export { ApiProblem, NotModified } from "./problem.js";
export { PATIENCE_SECONDS } from "./retry.js";
export type * from "./schema.js";
