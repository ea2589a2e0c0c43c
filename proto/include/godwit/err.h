/* SPDX-License-Identifier: MIT */
/* err.h - results of functions: 0 or a count is success, failures are negative.
 */
#ifndef GODWIT_ERR_H
#define GODWIT_ERR_H

/** On a function whose result must not be ignored: compilers that can, warn. */
#if defined(__GNUC__) || defined(__clang__)
#define GW_MUST_USE __attribute__((warn_unused_result))
#else
#define GW_MUST_USE
#endif

/**
 * name, number, sentence. -1xx: the caller's fault. -2xx: the peer's fault,
 * fatal to the connection. -3xx: a resource ran out; the object is unchanged.
 */
#define GW_ERR_LIST(X)                                              \
  X(GW_ERR_INVALID, -100, "an argument is not valid")               \
  X(GW_ERR_STATE, -101, "not possible in this state")               \
  X(GW_ERR_NOT_FOUND, -102, "there is no such thing")               \
  X(GW_ERR_EXISTS, -103, "it exists already")                       \
  X(GW_ERR_TOO_BIG, -104, "larger than the limit")                  \
  X(GW_ERR_TEXT, -105, "text is not valid UTF-8, or holds a NUL")   \
  X(GW_ERR_PROTOCOL, -200, "the peer broke the protocol")           \
  X(GW_ERR_PEER_TOO_BIG, -201, "the peer sent more than the limit") \
  X(GW_ERR_UNKNOWN_TYPE, -202, "a frame of unknown type")           \
  X(GW_ERR_NOMEM, -300, "out of memory")                            \
  X(GW_ERR_FULL, -301, "a queue or buffer is full")

/** Result codes; see GW_ERR_LIST. */
enum gw_err {
  GW_OK = 0, /**< success, where nothing is counted */
#define GW__ERR_ENUM(name, number, sentence) name = (number),
  GW_ERR_LIST(GW__ERR_ENUM)
#undef GW__ERR_ENUM
};

/** "GW_ERR_NOMEM"; "GW_ERR_UNKNOWN" for a number that is none. Never NULL. */
const char *gw_err_name(int err);

/** A sentence without a full stop. Never NULL. */
const char *gw_err_text(int err);

/** Whether a failure ends the connection that it was seen on (-2xx). */
int gw_err_is_fatal(int err);

#endif
