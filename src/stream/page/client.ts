import { home } from './publish.js';
import { toast } from './ui.js';
import { theatre } from './watch.js';

const room = /^\/r\/([\w-]{1,64})$/.exec(location.pathname)?.[1];
if (room) theatre(room);
else {
  home();
  if (location.pathname !== '/')
    toast('There is nothing at this address. A room is called by 1 to 64 letters, digits, _ or -.');
}
