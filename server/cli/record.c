/* SPDX-License-Identifier: MIT */
/* record.c - lines of a recording, each written as it happens. */
#include "server/cli/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/cli/replay/recording.h"
#include "server/cli/text.h"
#include "server/observe/wall_clock.h"

/** A message, as far as it is there. */
typedef struct message {
  uint8_t *bytes;
  size_t len;
  size_t cap;
} message;

struct gw_record {
  FILE *file;
  const char *name; /**< of the command */
  const char *path;
  uint64_t start_ms;
  bool has_ended; /**< nothing more is written */
  message out;
  message in; /**< comes in parts, and others go out between them */
};

static uint64_t now_ms(void) {
  return uv_hrtime() / 1000000;
}

/** Tell, and write no more. */
static void give_up(gw_record *r, const char *why) {
  fprintf(stderr, "%s: --record: %s: %s; the rest is not recorded\n", r->name,
          r->path, why);
  r->has_ended = true;
}

/* ---- secrets ---------------------------------------------------------------- */

/** Overwrite what a decoded message shows of its body. */
static void hide(gw_view v, int with) {
  if (v.len > 0) memset((uint8_t *)v.data, with, v.len);
}

static void redact_frame(const gw_frame *frame) {
  gw_hello hello;
  gw_welcome welcome;
  gw_subscribe subscribe;
  gw_refresh refresh;
  gw_view body = frame->body;
  switch (frame->head.type) {
  case GW_FRAME_HELLO:
    if (gw_decode_hello(body, &hello) < 0) break;
    hide(hello.instance, 0);
    hide(hello.token, '*');
    hide(hello.resume, 0);
    break;
  case GW_FRAME_WELCOME:
    if (gw_decode_welcome(body, &welcome) == 0) hide(welcome.resume, 0);
    break;
  case GW_FRAME_SUBSCRIBE:
    if (gw_decode_subscribe(body, &subscribe) == 0) hide(subscribe.token, '*');
    break;
  case GW_FRAME_REFRESH:
    if (gw_decode_refresh(body, &refresh) == 0) hide(refresh.token, '*');
    break;
  default:
    break;
  }
}

/** frames: ours to change. */
static void redact(gw_view frames) {
  gw_frame frame;
  int64_t used;
  while ((used = gw_frame_parse(frames, GW_MAX_FRAME_BYTES_HARD, &frame)) > 0) {
    redact_frame(&frame);
    frames.data += used;
    frames.len -= (size_t)used;
  }
}

/* ---- lines ------------------------------------------------------------------ */

static void begin_line(const gw_record *r, uint32_t n) {
  fprintf(r->file, "{\"t\":%" PRIu64 ",\"n\":%u", now_ms() - r->start_ms, n);
}

/** At once, as what is of interest may be the end of the process. */
static void end_line(gw_record *r) {
  fputs("}\n", r->file);
  if (fflush(r->file) != 0)
    give_up(r, strerror(errno));
  else if (ftell(r->file) > (long)(GW_RECORDING_MAX_BYTES / 2))
    give_up(r, "it is as large as a recording may be");
}

static void put_text(gw_record *r, const gw_lws_wire *news, const char *name,
                     gw_view text) {
  begin_line(r, news->generation);
  fprintf(r->file, ",\"%s\":", name);
  gw_text_put_string(r->file, text);
  end_line(r);
}

static void put_end(gw_record *r, const gw_lws_wire *news, const char *name) {
  begin_line(r, news->generation);
  fprintf(r->file, ",\"%s\":{\"code\":%u,\"reason\":", name, news->code);
  gw_text_put_string(r->file, news->bytes);
  if (news->retry_after_ms != 0)
    fprintf(r->file, ",\"retryAfterMs\":%u", news->retry_after_ms);
  fputc('}', r->file);
  end_line(r);
}

/** Write a whole message, and begin anew. */
static void put_message(gw_record *r, const gw_lws_wire *news, const char *name,
                        message *m) {
  size_t size =
      sodium_base64_encoded_len(m->len, sodium_base64_VARIANT_ORIGINAL);
  char *text = malloc(size);
  if (text == NULL) {
    give_up(r, "out of memory");
    return;
  }
  redact((gw_view){m->bytes, m->len});
  begin_line(r, news->generation);
  fprintf(r->file, ",\"%s\":\"%s\"", name,
          sodium_bin2base64(text, size, m->bytes, m->len,
                            sodium_base64_VARIANT_ORIGINAL));
  end_line(r);
  free(text);
  m->len = 0;
}

static bool gather(gw_record *r, message *m, gw_view bytes) {
  if (m->cap - m->len < bytes.len) {
    size_t cap = (m->len + bytes.len) * 2;
    uint8_t *larger = realloc(m->bytes, cap);
    if (larger == NULL) {
      give_up(r, "out of memory");
      return false;
    }
    m->bytes = larger;
    m->cap = cap;
  }
  if (bytes.len > 0) memcpy(m->bytes + m->len, bytes.data, bytes.len);
  m->len += bytes.len;
  return true;
}

/** Without the query, whose tokens are not always called that. */
static gw_view bare(gw_view endpoint) {
  const uint8_t *query =
      endpoint.len > 0 ? memchr(endpoint.data, '?', endpoint.len) : NULL;
  if (query != NULL) endpoint.len = (size_t)(query - endpoint.data);
  return endpoint;
}

void gw_record_put(gw_record *r, const gw_lws_wire *news) {
  if (r->has_ended) return;
  switch (news->type) {
  case GW_LWS_WIRE_OPEN:
    r->in.len = 0; /* a message that was cut off */
    put_text(r, news, "open", bare(news->bytes));
    break;
  case GW_LWS_WIRE_OPENED:
    put_text(r, news, "opened", news->bytes);
    break;
  case GW_LWS_WIRE_OUT:
    if (gather(r, &r->out, news->bytes)) put_message(r, news, "out", &r->out);
    break;
  case GW_LWS_WIRE_IN:
    if (gather(r, &r->in, news->bytes) && news->is_end)
      put_message(r, news, "in", &r->in);
    break;
  case GW_LWS_WIRE_CLOSE:
    put_end(r, news, "close");
    break;
  case GW_LWS_WIRE_CLOSED:
    put_end(r, news, "closed");
    break;
  }
}

/* ---- life ------------------------------------------------------------------- */

static void put_header(gw_record *r) {
  char start[GW_TEXT_TIME_MAX];
  fprintf(r->file,
          "{\"format\":\"" GW_RECORDING_FORMAT "\",\"version\":%u,"
          "\"sdk\":\"" GW_VERSION "\",\"host\":\"%s\",\"start\":\"%s\","
          "\"payloads\":true}\n",
          GW_RECORDING_VERSION, r->name, gw_text_iso(gw_wall_ms(), start));
}

gw_record *gw_record_open(const char *name, const char *path) {
  gw_record *r = calloc(1, sizeof *r);
  int fd = r != NULL
               ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
               : -1;
  FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (file == NULL) {
    fprintf(stderr, "%s: --record: %s: %s\n", name, path, strerror(errno));
    if (fd >= 0) close(fd);
    free(r);
    return NULL;
  }
  r->file = file;
  r->name = name;
  r->path = path;
  r->start_ms = now_ms();
  put_header(r);
  return r;
}

void gw_record_close(gw_record *r) {
  if (r == NULL) return;
  (void)fclose(r->file); /* each line was flushed, or that was told */
  free(r->out.bytes);
  free(r->in.bytes);
  free(r);
}
