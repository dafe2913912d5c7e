import org.openapitools.client.ApiClient;
import org.openapitools.client.api.AuthApi;
import org.openapitools.client.model.Registration;

public class Call {
  public static void main(String[] args) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(args[0]);
    Registration registration = new Registration().email(args[1]).password(args[2]);
    System.out.println(new AuthApi(client).register(registration).getEmail());
  }
}
