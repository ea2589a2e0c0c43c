/* SPDX-License-Identifier: MIT */
/* log.c - the structured log: budgets per event, and text or JSON lines. */
#include "server/observe/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Budget of one kind of event. */
typedef struct budget {
  char event[48];
  int level;
  time_t second;
  uint32_t used;
  uint64_t suppressed;
} budget;

struct gw_log {
  gw_log_options options;
  pthread_mutex_t lock; /* budgets only */
  budget budgets[GW_LOG_MAX_EVENTS];
  size_t num_budgets;
  pthread_mutex_t out;         /* the descriptor, and these */
  uint64_t lost;               /* since the last line that went out */
  bool is_torn;                /* a line stands there without its end */
  _Atomic uint64_t suppressed; /* since the beginning, lost ones too */
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* Whether a file ends in the middle of a line, by whoever wrote it. The
 * descriptor may be for writing only: it is looked at through another. */
static bool ends_torn(int fd) {
  struct stat st;
  char path[32], last = '\n';
  if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
    return false;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int its_own = open(path, O_RDONLY | O_CLOEXEC);
  if (its_own < 0) return false;
  ssize_t n = pread(its_own, &last, 1, st.st_size - 1);
  close(its_own);
  return n == 1 && last != '\n';
}

gw_log *gw_log_new(const gw_log_options *options) {
  gw_log *log = calloc(1, sizeof *log);
  if (!log) return NULL;
  log->options = *options;
  log->is_torn = ends_torn(options->fd);
  if (log->options.per_second == 0) log->options.per_second = GW_LOG_PER_SECOND;
  pthread_mutex_init(&log->lock, NULL);
  pthread_mutex_init(&log->out, NULL);
  return log;
}

void gw_log_free(gw_log *log) {
  if (!log) return;
  gw_log_flush(log);
  pthread_mutex_destroy(&log->lock);
  pthread_mutex_destroy(&log->out);
  free(log);
}

int gw_log_move(gw_log *log, int fd) {
  pthread_mutex_lock(&log->out);
  int err = dup3(fd, log->options.fd, O_CLOEXEC) < 0 ? -errno : 0;
  if (err == 0) log->is_torn = ends_torn(fd);
  pthread_mutex_unlock(&log->out);
  return err;
}

bool gw_log_is_on(const gw_log *log, int level) {
  return level <= log->options.level;
}

uint64_t gw_log_num_suppressed(const gw_log *log) {
  return atomic_load(&((gw_log *)(uintptr_t)log)->suppressed);
}

/* ---- one line ----------------------------------------------------------- */

typedef struct line {
  size_t len;
  size_t cap;
  bool is_over; /* something did not fit */
  char text[GW_LOG_LINE_MAX];
} line;

/* Room that is kept for what ends a line. */
#define LINE_END 128u

static void put(line *l, const char *text, size_t len) {
  if (len > l->cap - l->len) {
    l->is_over = true;
    return;
  }
  memcpy(l->text + l->len, text, len);
  l->len += len;
}

static void put_text(line *l, const char *text) {
  put(l, text, strlen(text));
}

/* Bytes of the UTF-8 sequence at the front of v; 0 when it is none. */
static size_t sequence_len(gw_view v) {
  for (size_t n = 2; n <= 4 && n <= v.len; n++)
    if (gw_view_is_text((gw_view){v.data, n})) return n;
  return 0;
}

/* The inside of a string of JSON, which reads well as text too. */
static void put_escaped(line *l, gw_view v) {
  while (v.len > 0) {
    uint8_t c = v.data[0];
    size_t used = 1;
    char escape[8];
    if (c == '"' || c == '\\') {
      snprintf(escape, sizeof escape, "\\%c", c);
      put_text(l, escape);
    } else if (c < ' ' || c == 0x7f) {
      snprintf(escape, sizeof escape, "\\u%04x", c);
      put_text(l, escape);
    } else if (c < 0x80) {
      put(l, (const char *)v.data, 1);
    } else {
      used = sequence_len(v);
      if (used)
        put(l, (const char *)v.data, used);
      else
        put_text(l, "\\ufffd");
      if (!used) used = 1;
    }
    v.data += used;
    v.len -= used;
  }
}

static bool is_number(gw_view v) {
  if (v.len == 0 || v.len > 15 || (v.len > 1 && v.data[0] == '0')) return false;
  for (size_t i = 0; i < v.len; i++)
    if (v.data[i] < '0' || v.data[i] > '9') return false;
  return true;
}

static bool is_plain(gw_view v) {
  for (size_t i = 0; i < v.len; i++) {
    uint8_t c = v.data[i];
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\') return false;
  }
  return v.len > 0;
}

/* A field that does not fit is left out as a whole. */
static void put_field(line *l, bool json, gw_view key, gw_view value) {
  size_t before = l->len;
  put_text(l, json ? ",\"" : " ");
  put_escaped(l, key);
  put_text(l, json ? "\":" : "=");
  bool bare = json ? is_number(value) : is_plain(value);
  if (!bare) put_text(l, "\"");
  put_escaped(l, value);
  if (!bare) put_text(l, "\"");
  if (l->is_over) l->len = before;
  l->is_over = false;
}

/* Undoes one escape at p, which points behind the backslash. */
static const char *unescape(const char *p, char *c) {
  static const char *const letters = "n\nt\tr\r";
  unsigned code;
  if (*p == 'u' && strspn(p + 1, "0123456789abcdefABCDEF") >= 4 &&
      sscanf(p + 1, "%4x", &code) == 1) {
    *c = code < 0x80 ? (char)code : '?';
    return p + 5;
  }
  const char *letter = strchr(letters, *p);
  *c = letter && letter[0] > ' ' ? letter[1] : *p;
  return p + 1;
}

/* Reads one pair from the front of fields. Quotes are undone into room, which
 * is as long as any fields are. Text that is no pair becomes the key. */
static bool next_field(const char **fields, gw_view *key, gw_view *value,
                       char *room, size_t room_len) {
  const char *p = *fields + strspn(*fields, " \t\r\n");
  if (!*p) return false;
  size_t n = strcspn(p, "= ");
  *key = (gw_view){(const uint8_t *)p, n};
  p += n;
  *value = (gw_view){NULL, 0};
  if (*p == '=' && p[1] == '"') {
    size_t len = 0;
    for (p += 2; *p && *p != '"';) {
      char c = *p;
      p = c == '\\' && p[1] ? unescape(p + 1, &c) : p + 1;
      if (len < room_len) room[len++] = c;
    }
    if (*p == '"') p++;
    *value = (gw_view){(const uint8_t *)room, len};
  } else if (*p == '=') {
    n = strcspn(++p, " ");
    *value = (gw_view){(const uint8_t *)p, n};
    p += n;
  }
  *fields = p;
  return true;
}

static void put_fields(line *l, bool json, const char *fields) {
  gw_view key, value;
  char room[GW_LOG_FIELDS_MAX];
  while (fields && next_field(&fields, &key, &value, room, sizeof room))
    put_field(l, json, key, value);
}

static void put_count(line *l, bool json, const char *key, uint64_t count) {
  if (count == 0) return;
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRIu64, count);
  put_field(l, json, gw_view_of(key), gw_view_of(digits));
}

static void put_time(line *l) {
  struct timespec now;
  struct tm parts;
  char text[40];
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &parts);
  size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(text + n, sizeof text - n, ".%03ldZ", now.tv_nsec / 1000000);
  put_text(l, text);
}

/* Bytes that were taken; never waits. */
static size_t write_some(int fd, const char *text, size_t len) {
  /* A pipe that polls writable takes GW_LOG_LINE_MAX bytes without waiting. */
  struct pollfd ready = {.fd = fd, .events = POLLOUT};
  if (poll(&ready, 1, 0) != 1 || (ready.revents & (POLLERR | POLLNVAL)))
    return 0;
  ssize_t n = write(fd, text, len);
  return n > 0 ? (size_t)n : 0;
}

/* Writes a line that lacks its end, and tells with it what was lost. By one
 * thread at a time: the line that ends a torn one is the next in the file, and a
 * pipe that has room for a line is not given two. */
static void finish(gw_log *log, line *l) {
  pthread_mutex_lock(&log->out);
  put_count(l, log->options.json, "lost", log->lost);
  if (log->options.json) l->text[l->len++] = '}';
  l->text[l->len++] = '\n';
  size_t skip = log->is_torn ? 0 : 1;
  size_t len = l->len - skip;
  size_t num = write_some(log->options.fd, l->text + skip, len);
  if (num == len) {
    log->is_torn = false;
    log->lost = 0;
  } else {
    /* A disk that fills up took a part. */
    if (num > 0) log->is_torn = true;
    log->lost++;
    atomic_fetch_add(&log->suppressed, 1);
  }
  pthread_mutex_unlock(&log->out);
}

static void emit(gw_log *log, int level, const char *event, const char *fields,
                 uint64_t suppressed) {
  bool json = log->options.json;
  line l;
  l.len = 0;
  l.cap = sizeof l.text - LINE_END;
  l.is_over = false;
  put_text(&l, "\n"); /* for a torn one in front of it */
  put_text(&l, json ? "{\"time\":\"" : "");
  put_time(&l);
  put_text(&l, json ? "\",\"level\":\"" : " ");
  put_text(&l, level_names[level]);
  put_text(&l, json ? "\",\"event\":\"" : " ");
  put_escaped(&l, gw_view_of(event));
  if (json) put_text(&l, "\"");
  put_fields(&l, json, fields);
  l.cap = sizeof l.text - 2;
  put_count(&l, json, "suppressed", suppressed);
  finish(log, &l);
}

/* ---- budgets ------------------------------------------------------------ */

static budget *find_budget(gw_log *log, const char *event) {
  for (size_t i = 0; i < log->num_budgets; i++)
    if (strncmp(log->budgets[i].event, event,
                sizeof log->budgets[i].event - 1) == 0)
      return &log->budgets[i];
  if (log->num_budgets == GW_LOG_MAX_EVENTS)
    return &log->budgets[GW_LOG_MAX_EVENTS - 1];
  budget *b = &log->budgets[log->num_budgets++];
  snprintf(b->event, sizeof b->event, "%s", event);
  return b;
}

/* Whether a line may go out; suppressed gets what did not before it. */
static bool spend(gw_log *log, int level, const char *event,
                  uint64_t *suppressed) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  pthread_mutex_lock(&log->lock);
  budget *b = find_budget(log, event);
  b->level = level;
  if (b->second != now.tv_sec) {
    b->second = now.tv_sec;
    b->used = 0;
  }
  bool may = b->used < log->options.per_second;
  if (may) {
    b->used++;
    *suppressed = b->suppressed;
    b->suppressed = 0;
  } else {
    b->suppressed++;
  }
  pthread_mutex_unlock(&log->lock);
  return may;
}

void gw_log_write(gw_log *log, int level, const char *event,
                  const char *fields) {
  uint64_t suppressed = 0;
  if (level < GW_LOG_ERROR) level = GW_LOG_ERROR;
  if (level > GW_LOG_DEBUG) level = GW_LOG_DEBUG;
  if (!gw_log_is_on(log, level)) return;
  if (spend(log, level, event, &suppressed))
    emit(log, level, event, fields, suppressed);
  else
    atomic_fetch_add(&log->suppressed, 1);
}

void gw_log_audit(gw_log *log, const char *event, const char *fields) {
  emit(log, GW_LOG_INFO, event, fields, 0);
}

void gw_log_flush(gw_log *log) {
  for (size_t i = 0;; i++) {
    char event[sizeof log->budgets[0].event];
    uint64_t suppressed = 0;
    int level = 0;
    pthread_mutex_lock(&log->lock);
    bool is_end = i >= log->num_budgets;
    if (!is_end) {
      budget *b = &log->budgets[i];
      memcpy(event, b->event, sizeof event);
      level = b->level;
      suppressed = b->suppressed;
      b->suppressed = 0;
    }
    pthread_mutex_unlock(&log->lock);
    if (is_end) return;
    if (suppressed) emit(log, level, event, NULL, suppressed);
  }
}
