import createClient from "openapi-fetch";
import type { paths } from "./schema";

export async function call(url: string, email: string, password: string): Promise<string> {
  const client = createClient<paths>({ baseUrl: url });
  // Without `--default-non-nullable=false`, fields with a default are required.
  const body = { email, password, name: "", phone: null };
  const { data, error } = await client.POST("/api/auth/register", { body });
  if (!data) throw new Error(error.type);
  return data.email;
}
