/* SPDX-License-Identifier: MIT */
/* mail.c - blocks of mail: made, filled, posted, freed. */
#include "server/core/mail.h"

#include <assert.h>
#include <string.h>

#include "server/core/mem.h"

gw_mail *gws_mail_new(enum gws_mail_kind kind, size_t room) {
  gw_mail *m = gw_mem_alloc(sizeof *m + room);
  if (m == NULL) return NULL;
  *m = (gw_mail){.kind = (uint8_t)kind, .bytes_cap = room};
  m->origin.worker = GWS_NOBODY;
  return m;
}

gw_view gws_mail_keep(gw_mail *m, gw_view v) {
  assert(v.len <= m->bytes_cap - m->bytes_len);
  uint8_t *to = m->bytes + m->bytes_len;
  if (v.len != 0) memcpy(to, v.data, v.len);
  m->bytes_len += v.len;
  return (gw_view){to, v.len};
}

gw_list gws_mail_keep_list(gw_mail *m, gw_list list) {
  gw_out out = {m->bytes, m->bytes_len, m->bytes_cap};
  gw_list copy;
  if (gw_list_copy(list, &out, &copy) < 0) assert(!"there is room for it");
  m->bytes_len = out.len;
  return copy;
}

void gws_mail_drop(gw_mail *m) {
  gw_buf_unref(m->buf);
  m->buf = NULL;
  gws_roster_unref(m->roster);
  m->roster = NULL;
  gws_snapshot_unref(m->snapshot);
  m->snapshot = NULL;
  gws_group_unref(m->group);
  m->group = NULL;
  gw_mem_free(m->past);
  m->past = NULL;
  if (m->state == NULL) return;
  for (uint32_t i = 0; i < m->state->num_records; i++)
    gw_buf_unref(m->state->records[i].buf);
  gws_roster_unref(m->state->members);
  gw_buf_unref(m->state->meta);
  gw_mem_free(m->state);
  m->state = NULL;
}

void gw_mail_free(gw_mail *m) {
  if (m == NULL) return;
  gws_mail_drop(m);
  gw_mem_free(m);
}

gw_mail **gw_mail_next(gw_mail *mail) {
  return &mail->next;
}

void gws_mail_post(gw_hub *h, uint32_t worker, gw_mail *m) {
  assert(worker != h->worker && worker < h->num_workers);
  m->next = NULL;
  m->from = h->worker;
  gw_stat_add(&h->stats.mail_total, 1);
  if (h->port.post != NULL)
    h->port.post(h->user, worker, m);
  else
    gw_mail_free(m); /* the hub is being freed */
}
