/* SPDX-License-Identifier: MIT */
/* access_log.h - the link access_log: a line for each connection when it ends,
 * and for each request that was refused. */
#ifndef GODWIT_MIDDLEWARE_ACCESS_LOG_H
#define GODWIT_MIDDLEWARE_ACCESS_LOG_H

#include "godwit/middleware.h"

typedef struct gw_access_log gw_access_log;

typedef struct gw_access_log_options {
  const char *file; /**< empty: the standard error */
  bool is_json;
  uint32_t sample; /**< one of so many connections is told */
} gw_access_log_options;

/** Room for a sentence about a file that cannot be written. */
#define GW_ACCESS_LOG_WHY_MAX 512u

/** 0; GW_ERR_INVALID: why says what is wrong with the file; GW_ERR_NOMEM. */
GW_MUST_USE int gw_access_log_new(gw_access_log **log,
                                  const gw_access_log_options *options,
                                  char why[GW_ACCESS_LOG_WHY_MAX]);
/** Whether a file could be opened, without doing it; not empty. Else why. */
bool gw_access_log_check(const char *file, char why[GW_ACCESS_LOG_WHY_MAX]);
void gw_access_log_free(gw_access_log *log); /**< NULL is fine */

/** Its user is the gw_access_log. */
extern const gw_middleware gw_access_log_link;

/** Open the file again, as it was moved away. Returns whether that could be; if
 * not, it goes on as before. Each line is in one of the files as a whole. */
bool gw_access_log_reopen(gw_access_log *log, char why[GW_ACCESS_LOG_WHY_MAX]);

/** Lines that could not be written, for metrics. On any thread. */
uint64_t gw_access_log_num_lost(const gw_access_log *log);

#endif
