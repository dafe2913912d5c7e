import { register } from "./index";
import { client } from "./client.gen";

export async function call(url: string, email: string, password: string): Promise<string> {
  client.setConfig({ baseUrl: url });
  const { data } = await register({ body: { email, password }, throwOnError: true });
  return data.email;
}
