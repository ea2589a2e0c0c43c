/* SPDX-License-Identifier: MIT */
/* job.c - made on a worker, and ended there. */
#include "server/hooks/job.h"

#include <sodium.h>
#include <stdlib.h>

gw_job *gw_job_new(enum gw_config_hook hook, enum gw_job_for purpose,
                   char *json, size_t len) {
  unsigned char id[(GW_JOB_ID_CHARS - 1) / 2];
  gw_job *j = json ? calloc(1, sizeof *j) : NULL;
  if (!j) {
    free(json);
    return NULL;
  }
  j->hook = hook;
  j->purpose = purpose;
  j->body = json;
  j->body_len = len;
  randombytes_buf(id, sizeof id);
  sodium_bin2hex(j->id, sizeof j->id, id, sizeof id);
  return j;
}

void gw_job_free(gw_job *j) {
  gw_hook_reply_deinit(&j->reply);
  gw_transfer_deinit(&j->transfer);
  free(j->body);
  free(j);
}

static void answer(gw_hub *h, const gw_job *j) {
  const gw_verdict *v = &j->reply.verdict;
  gw_error refusal = {.code = v->code,
                      .message = v->message,
                      .retry_after_ms = v->retry_after_ms};
  if (v->code == GW_CODE_OK)
    gw_hub_answer(h, j->call, v->code, v->message, &j->reply.result);
  else
    gw_hub_refuse(h, j->call, &refusal);
}

/** On the worker's thread; w is NULL when it is gone. */
static void run(gw_task *task, gw_worker *w) {
  gw_job *j = (gw_job *)(void *)task;
  if (w && j->purpose == GW_JOB_DECISION)
    gw_hub_decide(w->hub, j->session, j->ticket, &j->reply.verdict);
  else if (w && j->purpose == GW_JOB_CALL)
    answer(w->hub, j);
  gw_job_free(j);
}

void gw_job_deliver(gw_job *j, gw_worker *w) {
  j->task.run = run;
  gw_worker_post_task(w, &j->task);
}
