// Answers `/hold` never: what comes after it waits.

export default (request: Request): Promise<Response> | Response => {
  if (!request.url.endsWith("/hold")) return new Response("Hello, world\n");
  return new Promise((resolve) => {
    request.signal.addEventListener("abort", () => resolve(new Response("")), { once: true });
  });
};
