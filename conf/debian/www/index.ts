// The page of the pool that comes with the package.

const STYLE = "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}";

export function GET(_request: Request, ctx: { worker: { requests: number } }): Response {
  const { requests } = ctx.worker;
  return new Response(
    `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Holdfast works</title>
<style>${STYLE}</style>
<h1>Holdfast works</h1>
<p>This worker has answered ${requests} ${requests === 1 ? "request" : "requests"} since it started.</p>
<p>The page is <code>/usr/share/holdfast/www/index.ts</code>, its pool <code>/etc/holdfast/pool.d/www.toml</code>.</p>
</html>
`,
    { headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" } },
  );
}
