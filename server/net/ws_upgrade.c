/* SPDX-License-Identifier: MIT */
/* ws_upgrade.c - which requests become WebSockets. */
#include <string.h>

#include "server/edge/route.h"
#include "server/net/ws.h"

static bool header(struct lws *wsi, enum lws_token_indexes token, char *text,
                   size_t len) {
  text[0] = '\0';
  int total = lws_hdr_total_length(wsi, token);
  return total >= 0 && (size_t)total < len &&
         lws_hdr_copy(wsi, text, (int)len, token) >= 0;
}

/* What of ours a comma-separated list names first, which is what libwebsockets
 * takes; 0: nothing. */
static unsigned first_of_ours(const char *list) {
  while (*list) {
    list += strspn(list, " \t,");
    size_t n = strcspn(list, " \t,");
    if (n == strlen(GW_WS_BINARY) && memcmp(list, GW_WS_BINARY, n) == 0)
      return GW_SPEAKS_BINARY;
    if (n == strlen(GW_WS_JSON) && memcmp(list, GW_WS_JSON, n) == 0)
      return GW_SPEAKS_JSON;
    list += n;
  }
  return 0;
}

/* NULL, or why an encoding is not spoken; 0: none of ours was offered. */
static const char *check_encoding(unsigned offered, unsigned speaks) {
  if (offered == 0)
    return "Sec-WebSocket-Protocol has to offer " GW_WS_BINARY
           " or " GW_WS_JSON;
  if (offered & speaks) return NULL;
  return speaks == GW_SPEAKS_JSON
             ? "Sec-WebSocket-Protocol has to offer " GW_WS_JSON " first here"
             : "Sec-WebSocket-Protocol has to offer " GW_WS_BINARY
               " first here";
}

/* Sixteen bytes in base64: 22 digits, the last of two bits, and two signs. */
static bool is_key(const char *text) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
      "wxyz0123456789+/";
  return strspn(text, digits) == 22 && strchr("AQgw", text[21]) != NULL &&
         strcmp(text + 22, "==") == 0;
}

bool gw_ws_speaks_version(struct lws *wsi) {
  char text[8];
  return header(wsi, WSI_TOKEN_VERSION, text, sizeof text) &&
         strcmp(text, "13") == 0;
}

const char *gw_ws_check_upgrade(struct lws *wsi, unsigned speaks) {
  /* libwebsockets itself reads no longer lists, and hangs up on them. */
  char text[120];
  if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0)
    return "WebSocket connections begin with GET";
  /* Without these, libwebsockets hangs up without a word. */
  if (lws_hdr_total_length(wsi, WSI_TOKEN_HOST) <= 0) return "Host is missing";
  if (!header(wsi, WSI_TOKEN_CONNECTION, text, sizeof text) ||
      !strcasestr(text, "upgrade"))
    return "Connection has to name upgrade";
  if (!header(wsi, WSI_TOKEN_HTTP, text, sizeof text) ||
      strcmp(text, "HTTP/1.1") != 0)
    return "WebSocket connections begin with HTTP/1.1";
  if (!header(wsi, WSI_TOKEN_KEY, text, sizeof text) || !is_key(text))
    return "Sec-WebSocket-Key has to be 16 bytes in base64";
  if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > 0) {
    bool is_read = header(wsi, WSI_TOKEN_PROTOCOL, text, sizeof text);
    return check_encoding(is_read ? first_of_ours(text) : 0, speaks);
  }
  const char *encoding =
      lws_get_urlarg_by_name(wsi, "encoding=", text, sizeof text);
  if (encoding && strcmp(encoding, "json") == 0)
    return check_encoding(GW_SPEAKS_JSON, speaks);
  return "offer " GW_WS_BINARY " or " GW_WS_JSON
         " in Sec-WebSocket-Protocol, or ask for ?encoding=json";
}
