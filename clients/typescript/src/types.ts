/** Input and result types of an operation, from the generated types. */

import type { paths } from "./schema.js";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** Paths with this method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, object> ? P : never;
}[keyof paths] &
  string;

type Operation<M extends Method, P extends keyof paths> = paths[P] extends Record<M, infer O>
  ? O
  : never;

type Parameters<O> = O extends { parameters: infer G } ? Omit<G, "cookie"> : unknown;

type Json<R> = R extends { content: { "application/json": infer B } } ? B : undefined;

type Body<O> = O extends { requestBody: infer R }
  ? { body: Json<R> }
  : O extends { requestBody?: infer R }
    ? { body?: Json<NonNullable<R>> }
    : unknown;

/** `path`, `query`, `header` and `body` of an operation. */
export type Input<M extends Method, P extends keyof paths> = Parameters<Operation<M, P>> &
  Body<Operation<M, P>>;

/** The input as an argument; it is optional if nothing is required. */
export type Arguments<I> = object extends I ? [input?: I] : [input: I];

type Responses<O> = O extends { responses: infer R } ? R : never;

type Success<R> = { [S in keyof R]: S extends 200 | 201 | 202 | 204 ? Json<R[S]> : never }[keyof R];

/** Body of a successful response; undefined if it has none. */
export type Data<M extends Method, P extends keyof paths> = Success<Responses<Operation<M, P>>>;
