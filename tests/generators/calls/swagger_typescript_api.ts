import { Api } from "./Api";

export async function call(url: string, email: string, password: string): Promise<string> {
  const { data } = await new Api({ baseUrl: url }).api.register({ email, password });
  return data.email;
}
