/* SPDX-License-Identifier: MIT */
/* job.h - one question or notice on its way to the backend and back. */
#ifndef GODWIT_HOOKS_JOB_H
#define GODWIT_HOOKS_JOB_H

#include "server/hooks/cache.h"
#include "server/hooks/message.h"
#include "server/hooks/transfer.h"
#include "server/net/worker.h"

/** Who waits for it. */
enum gw_job_for { GW_JOB_DECISION, GW_JOB_CALL, GW_JOB_NOTICE };

/** A delivery's id, the same at each try: 32 hexadecimal digits, with its end. */
#define GW_JOB_ID_CHARS 33u

typedef struct gw_job gw_job;
struct gw_job {
  gw_task task;        /* on its way back to the worker; the first field */
  gw_job *prev, *next; /* in one of the lists of hooks.c */
  enum gw_config_hook hook;
  enum gw_job_for purpose;
  uint32_t worker;
  uint64_t session;
  uint64_t ticket; /* of a decision */
  gw_call call;
  char id[GW_JOB_ID_CHARS];
  char *body; /* JSON */
  size_t body_len;
  gw_hook_key key;  /* for the cache */
  uint8_t user_len; /* as claimed, for when_down: allow */
  uint8_t user[GW_MAX_USER_BYTES];
  uint32_t attempts;
  uint64_t since_ms;
  uint64_t due_ms;      /* not to be tried before */
  uint64_t deadline_ms; /* nobody waits after it */
  gw_transfer transfer;
  gw_hook_reply reply; /* when it is answered */
};

/** A job with its JSON; takes json, also on failure (NULL). */
gw_job *gw_job_new(enum gw_config_hook hook, enum gw_job_for purpose,
                   char *json, size_t len);
void gw_job_free(gw_job *j);

/** Hand the answer to the worker, which frees the job. */
void gw_job_deliver(gw_job *j, gw_worker *w);

#endif
