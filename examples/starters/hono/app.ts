import type { Context as Holdfast } from "holdfast";
import { Hono } from "hono";

/** What Holdfast gives to every request is `c.env`. */
const app = new Hono<{ Bindings: Holdfast }>();

app.get("/", (c) =>
  c.html(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hono</title>
<style>:root { color-scheme: light dark; font: 1.1rem / 1.5 system-ui, sans-serif } body { max-width: 40rem; margin: 1.5rem auto; padding: 0 1rem }</style>
</head>
<body>
<h1>Hello</h1>
<p>This is request ${c.env.worker.requests} of worker ${c.env.worker.id}. <a href="/hello/you">Say hello</a></p>
</body>
</html>
`),
);

app.get("/hello/:name", (c) => c.json({ hello: c.req.param("name") }));

app.post("/echo", async (c) => {
  const body: unknown = await c.req.json().catch(() => undefined);
  return body === undefined ? c.json({ error: "send JSON" }, 400) : c.json({ echo: body });
});

export default app;
