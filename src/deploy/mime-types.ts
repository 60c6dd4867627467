// mime.types for an Apache of our own: `apache2-bin` alone brings none, and what has no type is sent
// without one.

import { MEDIA_TYPES } from "../base/media-types.ts";

/** The file's text. */
export function renderMimeTypes(): string {
  const lines = Object.entries(MEDIA_TYPES).map(([type, extensions]) => `${type} ${extensions}`);
  return `# Written by holdfast.\n${lines.join("\n")}\n`;
}
