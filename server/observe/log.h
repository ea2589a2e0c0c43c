/* SPDX-License-Identifier: MIT */
/* log.h - the structured log: one event, one line, one write. */
#ifndef GODWIT_SERVER_LOG_H
#define GODWIT_SERVER_LOG_H

#include "godwit/wire.h"

enum gw_log_level { GW_LOG_ERROR, GW_LOG_WARN, GW_LOG_INFO, GW_LOG_DEBUG };

/** A line at most: what a pipe takes in one piece (PIPE_BUF). */
#define GW_LOG_LINE_MAX 4096u
/** Fields of a line at most; what is over it is cut. */
#define GW_LOG_FIELDS_MAX 1024u
/** Lines of one event in a second; a flood of one kind cannot fill the disk. */
#define GW_LOG_PER_SECOND 20u
/** Kinds of event that are told apart; more share a budget. */
#define GW_LOG_MAX_EVENTS 128u

typedef struct gw_log gw_log;

typedef struct gw_log_options {
  int fd;    /**< stays the caller's */
  int level; /**< enum gw_log_level: this and what is more urgent */
  bool json;
  uint32_t per_second; /**< lines of one event; 0: GW_LOG_PER_SECOND */
} gw_log_options;

/** NULL when out of memory. Every function may be called on any thread. */
gw_log *gw_log_new(const gw_log_options *options);
void gw_log_free(gw_log *log); /**< NULL is fine */

/** Have the log's descriptor mean the file of another, which stays the caller's:
 * between two lines. What the old file has of a torn line stays there; one in the
 * new file ends before the next line. 0; -errno: it goes on as before. */
GW_MUST_USE int gw_log_move(gw_log *log, int fd);

bool gw_log_is_on(const gw_log *log, int level);

/**
 * Write one event.
 *   event   a literal such as "ws.refused"; each has its own budget, and what
 * is over it is told as suppressed=N by a later line fields  key=value pairs
 * with blanks between them, values in double quotes with backslash escapes
 * where they need it (gw_fields makes them); NULL for none. Any bytes come out
 * as one line that no field can break out of. A line that the descriptor does
 * not take at once, or not as a whole, is dropped and told as lost=N: the log
 * never blocks a worker. What a full disk took of a line ends before the next,
 * also when another process wrote it, before the log was made.
 */
void gw_log_write(gw_log *log, int level, const char *event,
                  const char *fields);

/** Write an event that has to be there whatever the level and the budgets are:
 * what somebody did who is accountable for it. Not for what strangers cause. */
void gw_log_audit(gw_log *log, const char *event, const char *fields);

/** Tell what was suppressed and had no later line; call it now and then. */
void gw_log_flush(gw_log *log);

/** Lines that were not written, for metrics. */
uint64_t gw_log_num_suppressed(const gw_log *log);

/* ---- fields ------------------------------------------------------------- */

typedef struct gw_fields {
  size_t len;
  char text[GW_LOG_FIELDS_MAX];
} gw_fields;

void gw_fields_init(gw_fields *f);
/** A value from anywhere: escaped, and cut at 256 bytes. */
void gw_fields_view(gw_fields *f, const char *key, gw_view value);
void gw_fields_text(gw_fields *f, const char *key, const char *value);
void gw_fields_number(gw_fields *f, const char *key, uint64_t value);

#endif
