import type { Context } from "holdfast";

/** Answers `/`. The module is loaded once per worker and stays. */
export default function home(request: Request, ctx: Context): Response {
  const name = new URL(request.url).searchParams.get("name") ?? "world";
  return new Response(
    `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hello</title>
<link rel="stylesheet" href="/style.css">
<main>
  <h1>Hello, ${escapeHtml(name)}</h1>
  <p>Worker ${ctx.worker.id} has answered ${ctx.worker.requests} requests.</p>
  <p><a href="/api/time">The time as JSON</a></p>
</main>
</html>
`,
    { headers: { "content-type": "text/html; charset=utf-8" } },
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}
