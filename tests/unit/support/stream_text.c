/* SPDX-License-Identifier: MIT */
/* stream_text.c - frames as short words. */
#include "stream_text.h"

#include <stdio.h>

typedef struct text {
  char at[8192];
  size_t len;
} text;

static void put(text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int len = vsnprintf(t->at + t->len, sizeof t->at - t->len, format, args);
  va_end(args);
  t->len += (size_t)len;
  assert_true(t->len < sizeof t->at);
}

static void put_publication(text *t, const gw_frame *f) {
  gw_publication m;
  assert_int_equal(gw_decode_publication(f->body, &m), 0);
  if (m.channel.len != 0) {
    assert_true(m.epoch != 0);
    put(t, "%.*s@", (int)m.channel.len, (const char *)m.channel.data);
  }
  put(t, "%s%s%s%u%.*s ", m.removed ? "-" : "",
      f->head.flags & GW_FLAG_OWN ? "o" : "", m.delta.len != 0 ? "d" : "",
      (unsigned)m.offset, (int)m.item.len, (const char *)m.item.data);
}

static char letter_of(uint32_t reason) {
  static const char letters[] = "0CTEOPSFsAL";
  assert_true(reason < sizeof letters - 1);
  return letters[reason];
}

static void put_lagged(text *t, gw_view body) {
  gw_lagged m;
  assert_int_equal(gw_decode_lagged(body, &m), 0);
  assert_int_equal(m.count, m.to - m.from + 1);
  put(t, "L%u-%u:%c ", (unsigned)m.from, (unsigned)m.to, letter_of(m.reason));
}

static void put_recovery(text *t, gw_view body) {
  gw_recovery m;
  assert_int_equal(gw_decode_recovery(body, &m), 0);
  if (m.gap != GW_GAP_NONE)
    put(t, "G%u-%u:%c", (unsigned)m.gap_from, (unsigned)m.gap_to,
        letter_of(m.gap));
  else if (m.from <= m.to)
    put(t, "R%u-%u", (unsigned)m.from, (unsigned)m.to);
  else
    put(t, "R");
  put(t, "%s ", m.live ? "!" : "");
}

static void put_frame(text *t, const gw_frame *f) {
  gw_unsubscribed un;
  gw_channel_meta meta;
  switch (f->head.type) {
  case GW_FRAME_PUBLICATION:
    put_publication(t, f);
    break;
  case GW_FRAME_LAGGED:
    put_lagged(t, f->body);
    break;
  case GW_FRAME_RECOVERY:
    put_recovery(t, f->body);
    break;
  case GW_FRAME_UNSUBSCRIBED:
    assert_int_equal(gw_decode_unsubscribed(f->body, &un), 0);
    put(t, "U%u ", un.code);
    break;
  case GW_FRAME_CHANNEL_META:
    assert_int_equal(gw_decode_channel_meta(f->body, &meta), 0);
    put(t, "M%.*s ", (int)meta.meta.len, (const char *)meta.meta.data);
    break;
  default:
    fail_msg("%s came", gw_type_name(f->head.type));
  }
}

void expect_stream(peer *p, const char *want) {
  static text got;
  gw_frame f;
  got.len = 0;
  got.at[0] = 0;
  while (peer_next(p, &f))
    put_frame(&got, &f);
  assert_string_equal(got.at, want);
}

uint64_t expect_subscribed(peer *p, const char *want) {
  static const char *const results[] = {"CONTINUOUS", "RECOVERED", "GAP",
                                        "ANEW"};
  gw_subscribed m = peer_subscribed(p);
  text got = {.len = 0};
  assert_true(m.result < 4);
  put(&got, "%u %s", (unsigned)m.offset, results[m.result]);
  if (m.gap != GW_GAP_NONE)
    put(&got, ":%c%u-%u", letter_of(m.gap), (unsigned)m.gap_from,
        (unsigned)m.gap_to);
  if (m.live) put(&got, " live");
  assert_string_equal(got.at, want);
  assert_true(m.epoch != 0);
  return m.epoch;
}
