/** Answers `/`: what there is. */
export function GET(): Response {
  return Response.json({ notes: "/notes/", note: "/notes/{id}" });
}
