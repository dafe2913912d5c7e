import { AuthApi, Configuration } from "./index";

export async function call(url: string, email: string, password: string): Promise<string> {
  const api = new AuthApi(new Configuration({ basePath: url }));
  const user = await api.register({ registration: { email, password } });
  return user.email;
}
