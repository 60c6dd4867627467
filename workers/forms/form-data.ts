// A whole form in memory: what `request.formData()` resolves to [Fetch §5.2, multipart/form-data and
// urlencoded].

import type { FormLimits } from "../../src/messages/lane.ts";
import { formKind } from "./content-type.ts";
import { beyondMemory, readWithin } from "./limits.ts";
import { MultipartReader, type ReadPiece } from "./multipart.ts";
import { readUrlencoded } from "./urlencoded.ts";

/** What an entry costs beside its bytes, so that many empty ones are not for nothing. */
const ENTRY_BYTES = 128;

/** Rejects with Refusal (400, 413, 415), and with what broke the body. */
export async function readFormData(
  read: ReadPiece,
  contentType: string | undefined,
  limits: FormLimits,
): Promise<FormData> {
  const form = new FormData();
  const type = formKind(contentType);
  if (type.kind === "urlencoded") {
    for (const [name, value] of await readUrlencoded(read, limits)) form.append(name, value);
    return form;
  }
  const reader = new MultipartReader(read, type.boundary, limits);
  let left = limits.memoryBytes;
  for (let part = await reader.next(); part !== undefined; part = await reader.next()) {
    left -= ENTRY_BYTES + Buffer.byteLength(part.name);
    if (left < 0) throw beyondMemory(limits);
    const bytes = await readWithin(
      () => part.read(),
      left,
      () => beyondMemory(limits),
    );
    left -= bytes.length;
    if (part.filename === undefined) form.append(part.name, bytes.toString("utf8"));
    else form.append(part.name, new File([bytes], part.filename, { type: part.type }));
  }
  return form;
}
