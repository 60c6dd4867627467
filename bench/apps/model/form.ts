// Three fields of a form, and a line made of them.
export async function POST(request: Request): Promise<Response> {
  const form = await request.formData();
  return new Response(`${form.get("greeting")}, ${form.get("whom")}${form.get("end")}`);
}
