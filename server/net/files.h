/* SPDX-License-Identifier: MIT */
/* files.h - answers requests with files, which are read by libuv's threads: no
 * disk makes a worker wait. */
#ifndef GODWIT_SERVER_FILES_H
#define GODWIT_SERVER_FILES_H

#include <libwebsockets.h>
#include <uv.h>

#include "server/net/mounts.h"

/** Bytes that are read and written at a time. */
#define GW_FILES_CHUNK_BYTES (64u * 1024u)

/** Files that one worker sends at once, a chunk of memory each; further requests
 * are answered 503. */
#define GW_FILES_MAX 256u

/** Seconds that a client may take nothing of a file. */
#define GW_FILES_STALL_S 30

/** A file on its way; kept with its socket. */
typedef struct gw_sending gw_sending;

/** Of one worker. */
typedef struct gw_files {
  uv_loop_t *loop;
  size_t num; /**< on their way */
} gw_files;

/**
 * Answer a GET or HEAD by a file, or that it has not changed.
 *   file     its descriptor passes
 *   sending  set while there is more to send: gw_files_write, gw_files_gone
 *   returns  what the callback has to return; 1: too many are on their way, and
 *            nothing was written
 */
GW_MUST_USE int gw_files_serve(gw_files *f, struct lws *wsi, gw_file *file,
                               gw_sending **sending);

/** LWS_CALLBACK_HTTP_WRITEABLE of a socket that has a file on its way. Returns
 * what the callback has to. */
GW_MUST_USE int gw_files_write(gw_sending **sending);

/** The socket is gone. */
void gw_files_gone(gw_sending **sending);

#endif
