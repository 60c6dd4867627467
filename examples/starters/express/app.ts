import express from "express";

const app = express();
app.disable("x-powered-by");
app.use(express.urlencoded({ extended: false, limit: "16kb" }));

/** Of this worker: each keeps its own. */
const names: string[] = [];

app.get("/", (_request, response) => {
  const list = names.map((name) => `<li>${escapeHtml(name)}</li>`).join("\n");
  response.type("html").send(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Express</title>
<style>:root { color-scheme: light dark; font: 1.1rem / 1.5 system-ui, sans-serif } body { max-width: 40rem; margin: 1.5rem auto; padding: 0 1rem }</style>
</head>
<body>
<h1>Who was here</h1>
<form method="post" action="/"><label>Name <input name="name" required maxlength="80"></label> <button>Sign</button></form>
<ul>
${list}
</ul>
</body>
</html>
`);
});

app.post("/", (request, response) => {
  const name: unknown = (request.body as Record<string, unknown> | undefined)?.name;
  if (typeof name !== "string" || name.trim() === "" || name.length > 80) {
    response.status(400).type("text").send("A name, please.\n");
    return;
  }
  names.unshift(name);
  names.length = Math.min(names.length, 100);
  // So that reloading the page does not sign twice.
  response.redirect(303, "/");
});

app.get("/time", (_request, response) => {
  response.json({ time: new Date() });
});

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

// No port: Holdfast hands the app its requests. `app.listen(3000)` would be understood as well.
export default app;
