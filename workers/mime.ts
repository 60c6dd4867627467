// Content types of the files that a pool serves itself. Apache's own mime.types decides wherever
// Apache serves them. [IANA media types; WHATWG MIME Sniffing for JavaScript]

const TEXT: Readonly<Record<string, string>> = {
  css: "text/css",
  csv: "text/csv",
  htm: "text/html",
  html: "text/html",
  ics: "text/calendar",
  md: "text/markdown",
  txt: "text/plain",
  vtt: "text/vtt",
  xml: "application/xml",
  svg: "image/svg+xml",
  json: "application/json",
  webmanifest: "application/manifest+json",
  atom: "application/atom+xml",
  rss: "application/rss+xml",
  xhtml: "application/xhtml+xml",
};

const BINARY: Readonly<Record<string, string>> = {
  aac: "audio/aac",
  apng: "image/apng",
  avif: "image/avif",
  bmp: "image/bmp",
  br: "application/octet-stream",
  bz2: "application/x-bzip2",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  eot: "application/vnd.ms-fontobject",
  epub: "application/epub+zip",
  flac: "audio/flac",
  gif: "image/gif",
  gz: "application/gzip",
  heic: "image/heic",
  ico: "image/vnd.microsoft.icon",
  jar: "application/java-archive",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  jsonld: "application/ld+json",
  jxl: "image/jxl",
  m4a: "audio/mp4",
  m4v: "video/mp4",
  mov: "video/quicktime",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  mpeg: "video/mpeg",
  oga: "audio/ogg",
  ogg: "audio/ogg",
  ogv: "video/ogg",
  opus: "audio/ogg",
  otf: "font/otf",
  pdf: "application/pdf",
  png: "image/png",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  rtf: "application/rtf",
  sh: "application/x-sh",
  tar: "application/x-tar",
  tif: "image/tiff",
  tiff: "image/tiff",
  ttf: "font/ttf",
  wasm: "application/wasm",
  wav: "audio/wav",
  weba: "audio/webm",
  webm: "video/webm",
  webp: "image/webp",
  woff: "font/woff",
  woff2: "font/woff2",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  xz: "application/x-xz",
  zip: "application/zip",
  zst: "application/zstd",
};

const TYPES: ReadonlyMap<string, string> = new Map([
  ...Object.entries(TEXT).map(([extension, type]) => [extension, `${type}; charset=utf-8`] as const),
  ...Object.entries(BINARY),
]);

/** By the last extension of the name; `application/octet-stream` if it is not known. */
export function contentTypeOf(file: string): string {
  const extension = /\.([^./]+)$/.exec(file)?.[1]?.toLowerCase();
  return (extension === undefined ? undefined : TYPES.get(extension)) ?? "application/octet-stream";
}
