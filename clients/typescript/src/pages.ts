/** Iteration over paginated lists. */

import type { ApiResponse } from "./api.js";

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/**
 * Yield each item of a list, and request the next page when it is needed.
 *
 * @param page returns a page by cursor: `(cursor) => api.get("/api/orders", { query: { cursor } })`
 */
export async function* items<T>(
  page: (cursor: string | undefined) => Promise<ApiResponse<Page<T>>>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const { data } = await page(cursor);
    yield* data.items;
    cursor = data.next_cursor;
  }
}
