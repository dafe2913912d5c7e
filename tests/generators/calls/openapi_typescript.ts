import createClient from "openapi-fetch";
import type { paths } from "./schema";

export async function call(url: string, email: string, password: string): Promise<string> {
  const client = createClient<paths>({ baseUrl: url });
  const { data, error } = await client.POST("/api/auth/register", { body: { email, password } });
  if (!data) throw new Error(error.type);
  return data.email;
}
