/* SPDX-License-Identifier: MIT */
/* demo.c - serves two folders, and nothing outside them. */
#include "server/net/demo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/net/http.h"

static const struct {
  const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".wasm", "application/wasm"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/plain; charset=utf-8"},
    {".ts", "text/plain; charset=utf-8"},
};

static const char *type_of(const char *path) {
  const char *ending = strrchr(path, '.');
  for (size_t i = 0; ending && i < sizeof types / sizeof types[0]; i++)
    if (strcmp(ending, types[i].ending) == 0) return types[i].type;
  return "application/octet-stream";
}

/* ---- where they are ----------------------------------------------------- */

static bool is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool take_folder(const char *base, const char *name,
                        char folder[GW_DEMO_PATH_MAX]) {
  char path[2 * GW_DEMO_PATH_MAX], real[GW_DEMO_PATH_MAX];
  int n = snprintf(path, sizeof path, "%s/%s", base, name);
  if (n < 0 || (size_t)n >= sizeof path || !is_folder(path)) return false;
  char *resolved = realpath(path, NULL);
  if (!resolved) return false;
  bool fits = strlen(resolved) < sizeof real;
  if (fits) memcpy(folder, resolved, strlen(resolved) + 1);
  free(resolved);
  return fits;
}

/* The folder of the binary; build/godwit and build/san/godwit lie below the
 * tree, an installed one in PREFIX/bin. */
static void binary_folder(char base[GW_DEMO_PATH_MAX]) {
  ssize_t n = readlink("/proc/self/exe", base, GW_DEMO_PATH_MAX - 1);
  base[n > 0 ? n : 0] = '\0';
  char *slash = strrchr(base, '/');
  if (slash) *slash = '\0';
}

static bool find(const char *in_tree, const char *installed,
                 char folder[GW_DEMO_PATH_MAX]) {
  char base[GW_DEMO_PATH_MAX], up[GW_DEMO_PATH_MAX + 16];
  static const char *const ups[] = {"..", "../.."};
  binary_folder(base);
  for (size_t i = 0; i < 2; i++) {
    snprintf(up, sizeof up, "%s/%s", base, ups[i]);
    if (take_folder(up, in_tree, folder)) return true;
  }
  snprintf(up, sizeof up, "%s/..", base);
  return take_folder(".", in_tree, folder) ||
         take_folder(up, installed, folder);
}

int gw_demo_find(gw_demo *d, const char *pages, char *why, size_t why_len) {
  char base[GW_DEMO_PATH_MAX];
  *d = (gw_demo){{0}, {0}};
  if (!find("wasm/dist", "share/godwit/sdk", d->sdk)) d->sdk[0] = '\0';
  if (pages) {
    if (take_folder(pages, ".", d->pages)) return 0;
    snprintf(why, why_len, "--demo: '%.200s' is no folder", pages);
    return GW_ERR_NOT_FOUND;
  }
  if (find("examples/demo", "share/godwit/demo", d->pages)) return 0;
  binary_folder(base);
  snprintf(why, why_len,
           "the demo is neither in examples/demo here, nor above %.200s, nor "
           "installed; name its folder with --demo",
           base);
  return GW_ERR_NOT_FOUND;
}

/* ---- files -------------------------------------------------------------- */

/* The file of a path, with links followed, if it lies in its folder. */
static bool locate(const gw_demo *d, const char *path,
                   char file[GW_DEMO_PATH_MAX], struct stat *st) {
  static const char sdk[] = "/sdk/";
  char wanted[GW_DEMO_PATH_MAX + GW_HTTP_PATH_MAX + 16];
  const char *folder = d->pages;
  if (strncmp(path, sdk, sizeof sdk - 1) == 0) {
    folder = d->sdk;
    path += sizeof sdk - 2;
  }
  if (!folder[0] || !path[0]) return false;
  snprintf(wanted, sizeof wanted, "%s%s%s", folder, path,
           strcmp(path, "/") == 0 ? "index.html" : "");
  char *real = realpath(wanted, NULL);
  if (!real) return false;
  size_t len = strlen(folder);
  bool inside = strncmp(real, folder, len) == 0 && real[len] == '/' &&
                strlen(real) < GW_DEMO_PATH_MAX && stat(real, st) == 0 &&
                S_ISREG(st->st_mode);
  if (inside) memcpy(file, real, strlen(real) + 1);
  free(real);
  return inside;
}

static int write_not_modified(struct lws *wsi, const char *etag) {
  uint8_t room[LWS_PRE + 512];
  uint8_t *start = room + LWS_PRE, *p = start, *end = room + sizeof room;
  if (lws_add_http_header_status(wsi, 304, &p, end) ||
      lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_ETAG,
                                   (const uint8_t *)etag, (int)strlen(etag), &p,
                                   end) ||
      !gw_http_add_safe_headers(wsi, &p, end) ||
      lws_add_http_header_content_length(wsi, 0, &p, end) ||
      lws_finalize_write_http_header(wsi, start, &p, end))
    return -1;
  return gw_http_done(wsi, 0);
}

int gw_demo_serve(const gw_demo *d, struct lws *wsi, const char *path) {
  char file[GW_DEMO_PATH_MAX], etag[64], known[128], headers[1024];
  struct stat st;
  if (!locate(d, path, file, &st)) return 1;
  snprintf(etag, sizeof etag, "\"%" PRIx64 "-%" PRIx64 ".%" PRIx64 "\"",
           (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec,
           (uint64_t)st.st_mtim.tv_nsec);
  if (lws_hdr_copy(wsi, known, sizeof known, WSI_TOKEN_HTTP_IF_NONE_MATCH) >
          0 &&
      strcmp(known, etag) == 0)
    return write_not_modified(wsi, etag);
  int len = snprintf(headers, sizeof headers,
                     "etag: %s\r\n"
                     "cache-control: no-cache\r\n" GW_HTTP_SAFE_HEADERS
                     "cross-origin-opener-policy: same-origin\r\n"
                     "permissions-policy: camera=(), geolocation=(), "
                     "microphone=()\r\n"
                     "content-security-policy: " GW_HTTP_CSP "\r\n",
                     etag);
  int n = lws_serve_http_file(wsi, file, type_of(file), headers, len);
  return n < 0 || (n > 0 && lws_http_transaction_completed(wsi)) ? -1 : 0;
}
