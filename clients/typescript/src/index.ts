/** Client of the Flask API Service: sessions, retries, pages and errors. */

export { Api, type ApiOptions, type ApiResponse } from "./api.js";
export { items, type Page } from "./pages.js";
export { ApiProblem, NotModified } from "./problem.js";
export { PATIENCE_SECONDS } from "./retry.js";
export type * from "./schema.js";
