/* SPDX-License-Identifier: MIT */
/* files.c - headers at once, then in turns: a chunk is read by another thread,
 * and written when the socket can take it. */
#include "server/net/files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/edge/conditional.h"
#include "server/net/http.h"

/* Status line and headers. */
#define HEADERS_MAX 4096u

struct gw_sending {
  gw_files *files;
  struct lws *wsi; /* NULL: it is gone */
  int fd;
  uint64_t at;
  uint64_t end;
  uv_fs_t read;
  bool is_reading;
  bool is_broken;
  size_t len; /* in the chunk */
  uint8_t chunk[GW_FILES_CHUNK_BYTES];
};

/* What of a file is sent. */
typedef struct part {
  unsigned status;
  uint64_t first;
  uint64_t len;
} part;

/* ---- headers ----------------------------------------------------------------- */

typedef struct headers {
  struct lws *wsi;
  uint8_t room[LWS_PRE + HEADERS_MAX];
  uint8_t *at;
  bool is_full;
} headers;

static void add(headers *h, const char *name, const char *value) {
  uint8_t *end = h->room + sizeof h->room;
  if (lws_add_http_header_by_name(h->wsi, (const uint8_t *)name,
                                  (const uint8_t *)value, (int)strlen(value),
                                  &h->at, end))
    h->is_full = true;
}

static void add_caching(headers *h, const gw_file *f) {
  char text[64];
  snprintf(text, sizeof text, "public, max-age=%u", f->mount->cache_s);
  add(h, "etag:", f->etag);
  add(h, "cache-control:", f->mount->cache_s ? text : "no-cache");
  add(h, "vary:", "accept-encoding");
}

static void add_content(headers *h, const gw_file *f, const part *p) {
  char text[96];
  add(h, "content-type:", f->type);
  if (f->encoding) add(h, "content-encoding:", f->encoding);
  add(h, "accept-ranges:", f->encoding ? "none" : "bytes");
  if (p->status == 206)
    snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
             p->first, p->first + p->len - 1, f->size);
  else
    snprintf(text, sizeof text, "bytes */%" PRIu64, f->size);
  if (p->status == 206 || p->status == 416) add(h, "content-range:", text);
  add(h, "referrer-policy:", "no-referrer");
  add(h, "cross-origin-opener-policy:", "same-origin");
  if (f->mount->csp[0]) add(h, "content-security-policy:", f->mount->csp);
}

static int write_headers(struct lws *wsi, const gw_file *f, const part *p) {
  headers h = {.wsi = wsi};
  uint8_t *start = h.room + LWS_PRE, *end = h.room + sizeof h.room;
  h.at = start;
  if (lws_add_http_header_status(wsi, p->status, &h.at, end)) return -1;
  add(&h, "x-content-type-options:", "nosniff");
  add_caching(&h, f);
  if (p->status != 304) add_content(&h, f, p);
  if (h.is_full ||
      (p->status != 304 &&
       lws_add_http_header_content_length(wsi, p->len, &h.at, end)) ||
      lws_finalize_write_http_header(wsi, start, &h.at, end))
    return -1;
  return 0;
}

/* ---- which part --------------------------------------------------------------- */

/* A header's value; empty when it is not there, or too long. */
static gw_view header(struct lws *wsi, enum lws_token_indexes token, char *text,
                      size_t room) {
  int len = lws_hdr_total_length(wsi, token);
  if (len <= 0 || (size_t)len >= room ||
      lws_hdr_copy(wsi, text, (int)room, token) < 0)
    return (gw_view){NULL, 0};
  return gw_view_of(text);
}

/* A range counts only for the file that the client has a part of. */
static bool is_range_wanted(struct lws *wsi, const gw_file *f) {
  char text[128];
  if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_IF_RANGE) <= 0) return true;
  return gw_view_eq(header(wsi, WSI_TOKEN_HTTP_IF_RANGE, text, sizeof text),
                    gw_view_of(f->etag));
}

static part choose(struct lws *wsi, const gw_file *f) {
  char text[512];
  part p = {.status = 200, .len = f->size};
  uint64_t last;
  gw_view known = header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, text, sizeof text);
  if (known.len && gw_etag_matches(known, f->etag))
    return (part){.status = 304};
  gw_view range = header(wsi, WSI_TOKEN_HTTP_RANGE, text, sizeof text);
  if (!range.len || f->encoding || !is_range_wanted(wsi, f)) return p;
  switch (gw_range_read(range, f->size, &p.first, &last)) {
  case GW_RANGE_PART:
    p.status = 206;
    p.len = last - p.first + 1;
    return p;
  case GW_RANGE_BAD:
    return (part){.status = 416};
  default:
    p.first = 0;
    return p;
  }
}

/* ---- sending ------------------------------------------------------------------ */

static void free_sending(gw_sending *s) {
  s->files->num--;
  close(s->fd);
  free(s);
}

static void on_read(uv_fs_t *read) {
  gw_sending *s = read->data;
  ssize_t num = read->result;
  uv_fs_req_cleanup(read);
  s->is_reading = false;
  if (!s->wsi) {
    free_sending(s);
    return;
  }
  /* Less than was promised: it was cut meanwhile. */
  s->is_broken = num <= 0;
  s->len = num > 0 ? (size_t)num : 0;
  lws_callback_on_writable(s->wsi);
}

static int read_more(gw_sending *s) {
  uint64_t left = s->end - s->at;
  uv_buf_t buf = uv_buf_init((char *)s->chunk, left < sizeof s->chunk
                                                   ? (unsigned)left
                                                   : (unsigned)sizeof s->chunk);
  s->read.data = s;
  s->len = 0;
  s->is_reading = uv_fs_read(s->files->loop, &s->read, s->fd, &buf, 1,
                             (int64_t)s->at, on_read) == 0;
  return s->is_reading ? 0 : -1;
}

static gw_sending *new_sending(gw_files *f, struct lws *wsi, int fd,
                               const part *p) {
  gw_sending *s = malloc(sizeof *s);
  if (!s) return NULL;
  s->files = f;
  s->wsi = wsi;
  s->fd = fd;
  s->at = p->first;
  s->end = p->first + p->len;
  s->is_reading = s->is_broken = false;
  s->len = 0;
  f->num++;
  return s;
}

int gw_files_serve(gw_files *f, struct lws *wsi, gw_file *file,
                   gw_sending **sending) {
  part p = choose(wsi, file);
  bool is_head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
  bool has_body = !is_head && p.len > 0;
  gw_sending *s = NULL;
  if (has_body && f->num < GW_FILES_MAX) s = new_sending(f, wsi, file->fd, &p);
  if (!s) close(file->fd);
  if (has_body && !s) return 1;
  int written = write_headers(wsi, file, &p);
  if (!has_body) return gw_http_done(wsi, written);
  *sending = s;
  lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, GW_FILES_STALL_S);
  return written < 0 ? -1 : read_more(s);
}

int gw_files_write(gw_sending **sending) {
  gw_sending *s = *sending;
  if (s->is_broken) return -1;
  if (s->is_reading || s->len == 0) return 0;
  bool is_last = s->at + s->len >= s->end;
  if (lws_write(s->wsi, s->chunk, s->len,
                is_last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
    return -1;
  s->at += s->len;
  lws_set_timeout(s->wsi, PENDING_TIMEOUT_HTTP_CONTENT, GW_FILES_STALL_S);
  if (!is_last) return read_more(s);
  struct lws *wsi = s->wsi;
  free_sending(s);
  *sending = NULL;
  return gw_http_done(wsi, 0);
}

void gw_files_gone(gw_sending **sending) {
  gw_sending *s = *sending;
  *sending = NULL;
  if (!s) return;
  s->wsi = NULL;
  if (!s->is_reading) free_sending(s);
}
