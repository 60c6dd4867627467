// A session that is read, or written: `visits` keeps its number of digits for as long as the bench runs.
export default async function session(request, ctx) {
  const { data } = await ctx.session.open();
  data.visits ??= 1_000_000;
  if (request.url.endsWith("/write")) data.visits += 1;
  return new Response("Hello, world\n");
}
