/** Answers `/api/time`; other methods get 405. */
export function GET(): Response {
  return Response.json({ time: new Date().toISOString() });
}
