/* SPDX-License-Identifier: MIT */
/* nanopb.h - whether nanopb, which nobody here wrote, reads a message as the
 * codec does, and writes the same bytes. */
#ifndef GODWIT_TESTS_NANOPB_H
#define GODWIT_TESTS_NANOPB_H

#include <pb_decode.h>
#include <pb_encode.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "nanopb/godwit.pb.h"

#define NANOPB_SPACE 65536u

/** A message as nanopb and as the codec see it. */
typedef struct nanopb_message {
  const pb_msgdesc_t *theirs;
  size_t their_size;
  enum gw_message_id ours;
} nanopb_message;

static inline bool nanopb_find(uint8_t type, nanopb_message *m) {
  switch (type) {
#define X(TYPE, name, theirs, Theirs)                                     \
  case GW_FRAME_##TYPE:                                                   \
    *m = (nanopb_message){godwit_v1_##Theirs##_fields,                    \
                          sizeof(godwit_v1_##Theirs), GW_MESSAGE_##name}; \
    return true;
    FRAME_BODIES(X)
#undef X
  default:
    return false;
  }
}

/** Read and write with nanopb. false: it refuses, or has no room. */
static inline bool nanopb_again(const nanopb_message *m, gw_view body,
                                gw_out *out) {
  void *theirs = calloc(1, m->their_size);
  pb_istream_t in = pb_istream_from_buffer(body.data, body.len);
  pb_ostream_t to = pb_ostream_from_buffer(out->data, out->cap);
  bool is_good = theirs != NULL && pb_decode(&in, m->theirs, theirs) &&
                 pb_encode(&to, m->theirs, theirs);
  out->len = to.bytes_written;
  free(theirs);
  return is_good;
}

/** The same with the codec. */
static inline bool ours_again(const nanopb_message *m, gw_view body,
                              gw_out *out) {
  union {
#define X(name) gw_##name name;
    GW_MESSAGES(X)
#undef X
  } any;
  return gw_decode(body, m->ours, &any) == 0 &&
         gw_encode(out, NULL, m->ours, &any) == 0;
}

/** What differs, or NULL. */
static inline const char *nanopb_differs(uint8_t type, gw_view body) {
  static uint8_t a[NANOPB_SPACE], b[NANOPB_SPACE];
  gw_out ours = {a, 0, sizeof a}, theirs = {b, 0, sizeof b};
  nanopb_message m;
  if (!nanopb_find(type, &m)) return NULL;
  bool we_do = ours_again(&m, body, &ours);
  bool they_do = nanopb_again(&m, body, &theirs);
  if (we_do != they_do) return we_do ? "nanopb refuses it" : "nanopb reads it";
  if (!we_do) return NULL;
  bool is_same = ours.len == theirs.len && memcmp(a, b, ours.len) == 0;
  return is_same ? NULL : "nanopb writes other bytes";
}

#endif
