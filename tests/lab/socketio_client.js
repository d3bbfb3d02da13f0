// A Socket.IO client that asks three times. usage: node socketio_client.js URL polling|websocket
const { io } = require('socket.io-client');

const [url, transport] = process.argv.slice(2);
const socket = io(url, { transports: [transport], reconnection: false, timeout: 5000 });
socket.on('connect_error', (error) => {
  console.log(error.message);
  process.exit(1);
});
socket.on('connect', async () => {
  for (let n = 0; n < 3; n += 1) {
    const answer = await socket.emitWithAck('job', { n, padding: 'y'.repeat(500) });
    console.log(answer.done);
  }
  socket.close();
  setTimeout(() => process.exit(0), 300);
});
