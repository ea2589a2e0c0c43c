/* SPDX-License-Identifier: MIT */
/* media_type.c - the types that pages are made of (RFC 9239, IANA). */
#include "server/edge/media_type.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define UTF8 "; charset=utf-8"

static const struct {
  const char *ending, *type;
} types[] = {
    {".html", "text/html" UTF8},
    {".htm", "text/html" UTF8},
    {".js", "text/javascript" UTF8},
    {".mjs", "text/javascript" UTF8},
    {".css", "text/css" UTF8},
    {".wasm", "application/wasm"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".ico", "image/x-icon"},
    {".woff", "font/woff"},
    {".woff2", "font/woff2"},
    {".ttf", "font/ttf"},
    {".otf", "font/otf"},
    {".mp3", "audio/mpeg"},
    {".ogg", "audio/ogg"},
    {".wav", "audio/wav"},
    {".mp4", "video/mp4"},
    {".webm", "video/webm"},
    {".pdf", "application/pdf"},
    {".xml", "text/xml" UTF8},
    {".csv", "text/csv" UTF8},
    {".txt", "text/plain" UTF8},
    {".md", "text/plain" UTF8},
    {".ts", "text/plain" UTF8},
    {".yaml", "text/plain" UTF8},
    {".gz", "application/gzip"},
    {".zip", "application/zip"},
};

const char *gw_media_type(const char *path) {
  const char *ending = strrchr(path, '.');
  for (size_t i = 0; ending != NULL && i < sizeof types / sizeof types[0]; i++)
    if (strcasecmp(ending, types[i].ending) == 0) return types[i].type;
  return "application/octet-stream";
}
