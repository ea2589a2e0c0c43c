/* SPDX-License-Identifier: MIT */
/* delta.c - deltas to bytes and back; delta.h draws the format. */
#include "godwit/delta.h"

#include <string.h>

#include "frame.h"

#define CHECKSUM_BYTES 4u
/** What a copy takes at most: length, then distance. */
#define COPY_MAX (2 * GW__VARINT_MAX)

/** FNV-1a: short, and good enough against mistakes, which are all that it is to
 * find. */
static uint32_t checksum(gw_view v) {
  uint32_t sum = UINT32_C(2166136261);
  for (size_t i = 0; i < v.len; i++)
    sum = (sum ^ v.data[i]) * UINT32_C(16777619);
  return sum;
}

static uint32_t zigzag(int32_t distance) {
  return (uint32_t)distance << 1 ^ (distance < 0 ? UINT32_MAX : 0);
}

/* ---- writing --------------------------------------------------------------- */

static void put_varint(gw_out *out, uint32_t value) {
  out->len += gw__varint_put(out->data + out->len, value);
}

static bool put_insert(gw_out *out, const uint8_t *from, size_t len) {
  if (len == 0) return true;
  if (out->cap - out->len < GW__VARINT_MAX + len) return false;
  put_varint(out, (uint32_t)len << 1);
  memcpy(out->data + out->len, from, len);
  out->len += len;
  return true;
}

static bool put_copy(gw_out *out, size_t len, int32_t distance) {
  if (out->cap - out->len < COPY_MAX) return false;
  put_varint(out, (uint32_t)len << 1 | 1);
  put_varint(out, zigzag(distance));
  return true;
}

static bool put_head(gw_out *out, gw_view target) {
  uint32_t sum = checksum(target);
  if (out->cap - out->len < CHECKSUM_BYTES + GW__VARINT_MAX) return false;
  for (unsigned i = 0; i < CHECKSUM_BYTES; i++)
    out->data[out->len++] = (uint8_t)(sum >> (8 * i));
  put_varint(out, (uint32_t)target.len);
  return true;
}

/* ---- what the base has ----------------------------------------------------- */

/** Bytes by which a piece is found, a word. */
#define WINDOW 8u
/** Places with the same hash that are tried: bounds the time. */
#define TRIES 8u
/** A piece that has not moved is worth a copy from here on. */
#define NEAR_MIN 4u
/** And from here on no better one is looked for. */
#define NEAR_ENOUGH 32u
#define NOWHERE     UINT16_MAX

/** An encoder at work. */
typedef struct encoder {
  gw_view base;
  gw_view target;
  gw_out *out;
  gw_delta_table *table;
  uint32_t step;   /* between the places that are known */
  unsigned shift;  /* of a product, to make a hash of it */
  size_t pending;  /* in the target: from here on nothing is written */
  size_t expected; /* in the base: the place of `pending`, if nothing moved */
} encoder;

/** A piece of the target that the base has, too. */
typedef struct piece {
  size_t at;
  size_t from; /* in the base */
  size_t len;
} piece;

static uint64_t word_at(const uint8_t *from) {
  uint64_t word;
  memcpy(&word, from, sizeof word);
  return word;
}

static uint32_t hash(const encoder *e, uint64_t word) {
  return (uint32_t)(word * UINT64_C(0x9E3779B97F4A7C15) >> e->shift);
}

/** Note places of the base: the first of those with the same hash comes first. */
static void note_places(encoder *e) {
  size_t num = e->base.len >= WINDOW ? e->base.len - WINDOW + 1 : 0;
  e->step = (uint32_t)((num + GW_DELTA_PLACES - 1) / GW_DELTA_PLACES);
  uint32_t places = num != 0 ? (uint32_t)((num - 1) / e->step) + 1 : 0;
  unsigned bits = 4;
  while (1u << bits < places)
    bits++;
  e->shift = 64 - bits;
  memset(e->table->first, 0xFF, sizeof *e->table->first << bits);
  for (uint32_t i = places; i-- > 0;) {
    uint32_t h = hash(e, word_at(e->base.data + (size_t)i * e->step));
    e->table->next[i] = e->table->first[h];
    e->table->first[h] = (uint16_t)i;
  }
}

/** How long the same bytes follow. */
static size_t common(const encoder *e, size_t from, size_t at) {
  const uint8_t *a = e->base.data + from, *b = e->target.data + at;
  size_t max = e->base.len - from, len = 0;
  if (max > e->target.len - at) max = e->target.len - at;
  while (max - len >= WINDOW && word_at(a + len) == word_at(b + len))
    len += WINDOW;
  while (len < max && a[len] == b[len])
    len++;
  return len;
}

/** How many bytes before are the same, too, and not written yet. */
static size_t common_before(const encoder *e, size_t from, size_t at) {
  size_t max = at - e->pending, len = 0;
  if (max > from) max = from;
  while (len < max &&
         e->base.data[from - len - 1] == e->target.data[at - len - 1])
    len++;
  return len;
}

/** The piece that is where it was. */
static piece find_near(const encoder *e, size_t at) {
  size_t from = e->expected + (at - e->pending);
  piece p = {.at = at, .from = from};
  if (from < e->base.len) p.len = common(e, from, at);
  if (p.len < NEAR_MIN) p.len = 0;
  return p;
}

/** The longest piece that begins here or, as far as nothing is written, before.
 * Whatever is found is taken, so looking takes time in proportion to what is
 * gone over then. */
static piece find(const encoder *e, size_t at) {
  piece best = find_near(e, at);
  if (best.len >= NEAR_ENOUGH || e->step == 0 || e->target.len - at < WINDOW)
    return best;
  uint64_t word = word_at(e->target.data + at);
  uint16_t i = e->table->first[hash(e, word)];
  for (unsigned tries = 0; i != NOWHERE && tries < TRIES; tries++) {
    size_t from = (size_t)i * e->step;
    i = e->table->next[i];
    if (word_at(e->base.data + from) != word) continue;
    size_t before = common_before(e, from, at);
    size_t len = before + common(e, from, at);
    if (len > best.len) best = (piece){at - before, from - before, len};
  }
  return best;
}

static bool put_piece(encoder *e, const piece *p) {
  size_t new = p->at - e->pending;
  size_t expected = e->expected + new;
  if (!put_insert(e->out, e->target.data + e->pending, new) ||
      !put_copy(e->out, p->len,
                (int32_t)((int64_t)p->from - (int64_t)expected)))
    return false;
  e->pending = p->at + p->len;
  e->expected = p->from + p->len;
  return true;
}

static bool put_all(encoder *e) {
  if (!put_head(e->out, e->target)) return false;
  for (size_t at = 0; at < e->target.len;) {
    piece p = find(e, at);
    if (p.len == 0) {
      at++;
      continue;
    }
    if (!put_piece(e, &p)) return false;
    at = e->pending;
  }
  return put_insert(e->out, e->target.data + e->pending,
                    e->target.len - e->pending);
}

int gw_delta_make(gw_view base, gw_view target, gw_delta_table *table,
                  gw_out *out) {
  size_t start = out->len;
  encoder e = {.base = base, .target = target, .out = out, .table = table};
  note_places(&e);
  if (put_all(&e)) return 0;
  out->len = start;
  return GW_ERR_FULL;
}

/* ---- reading --------------------------------------------------------------- */

static bool take_head(gw_view *in, uint32_t *sum, uint32_t *target_len) {
  if (in->len < CHECKSUM_BYTES) return false;
  *sum = 0;
  for (unsigned i = 0; i < CHECKSUM_BYTES; i++)
    *sum |= (uint32_t)in->data[i] << (8 * i);
  in->data += CHECKSUM_BYTES;
  in->len -= CHECKSUM_BYTES;
  return gw__varint_take(in, target_len);
}

int64_t gw_delta_target_len(gw_view delta) {
  uint32_t sum, len;
  return take_head(&delta, &sum, &len) ? (int64_t)len : GW_ERR_PROTOCOL;
}

/** Find what the next instruction puts; expected as in an encoder, modulo 2^32. */
static bool take_piece(gw_view *in, gw_view base, uint32_t *expected,
                       gw_view *part) {
  uint32_t what, far;
  if (!gw__varint_take(in, &what)) return false;
  gw_view *from = in;
  if ((what & 1) != 0) {
    if (!gw__varint_take(in, &far)) return false;
    *expected += far >> 1 ^ (0 - (far & 1));
    if (*expected >= base.len) return false;
    base.data += *expected;
    base.len -= *expected;
    from = &base;
  }
  part->data = from->data;
  part->len = what >> 1;
  if (part->len == 0 || part->len > from->len) return false;
  from->data += part->len;
  from->len -= part->len;
  *expected += what >> 1;
  return true;
}

int gw_delta_apply(gw_view base, gw_view delta, gw_out *out) {
  uint32_t sum, len, expected = 0;
  gw_view part, target = {out->data + out->len, 0};
  if (!take_head(&delta, &sum, &len)) return GW_ERR_PROTOCOL;
  if (len > out->cap - out->len) return GW_ERR_FULL;
  uint8_t *to = out->data + out->len;
  while (delta.len != 0) {
    if (!take_piece(&delta, base, &expected, &part) ||
        part.len > len - target.len)
      return GW_ERR_PROTOCOL;
    memcpy(to + target.len, part.data, part.len);
    target.len += part.len;
  }
  if (target.len != len || checksum(target) != sum) return GW_ERR_PROTOCOL;
  out->len += len;
  return 0;
}
