/** What a doctor finds on somebody's desktop: one of each verdict, with long words and short ones. */
import type { Check, Computer, Report, Subject, Verdict, Words } from '../bindings';
import { said } from './words';

export function computer(): Computer {
  return {
    data: '/users/ann/.local/share/tidings',
    config: '/users/ann/.config/tidings',
    autostart: { on: true, hidden: true, other: null },
  };
}

function check(subject: Subject, verdict: Verdict, title: Words, found: Words): Check {
  return { subject, relay: null, title, verdict, found, advice: null, details: [], remedy: null };
}

/** A test message that went well. */
export function trip(relay: string): Check {
  const hop = (en: string, zh: string, ms: number) => ({ name: said(en, zh), value: `${ms} ms` });
  return {
    ...check(
      'trip',
      'good',
      said('Test message: 127.0.0.1', '测试消息：127.0.0.1'),
      said('There and back in 31 ms.', '往返用时 31 ms。'),
    ),
    relay,
    details: [
      hop('Sent', '已发出', 2),
      hop('Accepted by the relay', '中继已接受', 5),
      hop('Delivered', '已送达', 9),
      hop('Stored', '已存储', 14),
      hop('Notified', '已通知', 22),
      hop('Confirmed to the sender', '已向发送者确认', 31),
    ],
  };
}

export function report(at: number): Report {
  return {
    at,
    version: '0.1.0',
    system: 'Debian GNU/Linux 12 (bookworm), x86_64, XFCE, x11',
    checks: [
      check(
        'agent',
        'good',
        said('Tidings', 'Tidings'),
        said('Tidings runs.', 'Tidings 正在运行。'),
      ),
      {
        ...check(
          'relay',
          'good',
          said('Relay: 127.0.0.1', '中继：127.0.0.1'),
          said(
            'Connected to ws://127.0.0.1:9093 as desk.',
            '已连接 ws://127.0.0.1:9093，名称为 desk。',
          ),
        ),
        relay: 'hosted',
        details: [
          { name: said('Server', '服务器'), value: 'tidings-relay/0.1.0' },
          { name: said('Extensions', '协议扩展'), value: 'ref' },
        ],
      },
      {
        ...check(
          'notifications',
          'good',
          said('Notifications', '通知'),
          said('dunst 1.9.0 shows notifications.', '由 dunst 1.9.0 显示通知。'),
        ),
        advice: said('What it does not do: it plays no sounds.', '它不支持：不播放声音。'),
        details: [
          { name: said('Service', '服务'), value: 'dunst' },
          { name: said('Version', '版本'), value: '1.9.0' },
          { name: said('Capabilities', '功能'), value: 'actions, body, body-markup, persistence' },
        ],
      },
      {
        ...check(
          'quiet',
          'note',
          said('Do not disturb', '勿扰'),
          said('You have paused notifications.', '你已暂停通知。'),
        ),
        remedy: 'resume',
      },
      {
        ...check(
          'tray',
          'warning',
          said('Tray', '托盘'),
          said('This desktop shows no tray icons.', '此桌面不显示托盘图标。'),
        ),
        advice: said(
          'Start Tidings again to see its window. On GNOME the extension AppIndicator brings the tray.',
          '再次启动 Tidings 可打开窗口。在 GNOME 上，AppIndicator 扩展可提供托盘。',
        ),
      },
      {
        ...check(
          'secrets',
          'fault',
          said('Keyring', '密钥环'),
          said('The keyring did not answer within a few seconds.', '密钥环在数秒内没有应答。'),
        ),
        advice: said(
          'If it asks for a password, answer it; else restart it.',
          '如果它在询问密码，请回答；否则请重启它。',
        ),
        remedy: 'plain-secret',
      },
      {
        ...check(
          'disk',
          'good',
          said('Disk', '磁盘'),
          said('The inbox takes 73 MB, and 212 GB are free.', '收件箱占用 73 MB，剩余 212 GB。'),
        ),
        details: [{ name: said('Folder', '文件夹'), value: '/users/ann/.local/share/tidings' }],
        remedy: 'open-folder',
      },
    ],
  };
}
