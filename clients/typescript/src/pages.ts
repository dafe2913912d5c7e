/** Lists, without the pages. */

import type { Answer } from "./api.js";

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/**
 * Each item of a list, asking for the next page when it is needed.
 *
 * @param page gets a page by its cursor: `(cursor) => api.get("/api/orders", { query: { cursor } })`
 */
export async function* items<T>(
  page: (cursor: string | undefined) => Promise<Answer<Page<T>>>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const { data } = await page(cursor);
    yield* data.items;
    cursor = data.next_cursor;
  }
}
