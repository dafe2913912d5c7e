import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const processed = new Set(); // in production, a table

const receiver = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  let event;
  try {
    event = webhook.verify(Buffer.concat(chunks), request.headers);
  } catch {
    return response.writeHead(400).end();
  }
  if (!processed.has(event.id)) {
    processed.add(event.id);
    console.log(event.type, event.resource_id);
  }
  response.writeHead(204).end();
});

receiver.listen(Number(process.env.PORT ?? 8080), "127.0.0.1");
