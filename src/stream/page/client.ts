import { home } from './publish.js';
import { theatre } from './watch.js';

const room = /^\/r\/([\w-]{1,64})$/.exec(location.pathname)?.[1];
if (room) theatre(room);
else home();
