import { register } from "./api";

export async function call(url: string, email: string, password: string): Promise<string> {
  const { data } = await register({ email, password }, { baseURL: url });
  return data.email;
}
