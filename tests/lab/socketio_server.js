// A Socket.IO server. usage: node socketio_server.js ADDRESS PORT
const { Server } = require('socket.io');

const [address, port] = process.argv.slice(2);
const http = require('http').createServer();
new Server(http).on('connection', (socket) => {
  socket.on('job', (job, answer) => answer({ done: true, job }));
});
http.listen(Number(port), address);
