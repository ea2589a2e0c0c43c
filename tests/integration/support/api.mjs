// SPDX-License-Identifier: MIT
// api.mjs - asks the API of a server over HTTP.

import http from "node:http";
import { within } from "./websocket.mjs";

/** One POST: { status, headers, body, json }. body: an object or bytes. */
export function ask(server, method, body = {}, { headers = {}, agent } = {}) {
  const bytes = Buffer.isBuffer(body) || typeof body === "string"
    ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  const answer = new Promise((resolve, reject) => {
    const request = http.request({
      port: server.internal, host: "127.0.0.1", path: `/v1/api/${method}`,
      method: "POST", agent: agent ?? false,
      headers: {
        "content-type": "application/json", "content-length": bytes.length,
        ...headers,
      },
    }, (response) => {
      const parts = [];
      response.on("data", (d) => parts.push(d));
      response.on("end", () => {
        const whole = Buffer.concat(parts);
        let json;
        try {
          json = JSON.parse(whole.toString());
        } catch {
          json = undefined;
        }
        resolve({
          status: response.statusCode, headers: response.headers, body: whole,
          json,
        });
      });
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(bytes);
  });
  return within(20000, `POST ${method}`, answer);
}

/** The reply of a method, which has to succeed. */
export async function api(server, method, body) {
  const { status, json, body: text } = await ask(server, method, body);
  if (status !== 200) throw new Error(`${method}: ${status} ${text}`);
  return json;
}
