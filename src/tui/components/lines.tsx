/** Draws lines that are laid out already: one row each, and never a wrapped one. */
import { Box, Text } from 'ink';
import { memo, type ReactNode } from 'react';
import type { Style } from '../../cli/table.ts';
import type { Line } from '../text.ts';

export interface LinesProps {
  readonly lines: readonly Line[];
  readonly color: boolean;
}

export function Lines({ lines, color }: LinesProps): ReactNode {
  return (
    <Box flexDirection="column">
      {lines.map((line, row) => (
        <Row color={color} key={row} line={line} />
      ))}
    </Box>
  );
}

const Row = memo(
  ({ line, color }: { readonly line: Line; readonly color: boolean }): ReactNode => (
    <Text inverse={color && line.chosen === true} wrap="truncate">
      {line.spans.length === 0 || line.spans.every(({ text }) => text === '') ? ' ' : null}
      {line.spans.map(({ text, style }, at) => (
        <Text key={at} {...(color && line.chosen !== true ? looks(style) : {})}>
          {text}
        </Text>
      ))}
    </Text>
  ),
  (before, after) => before.color === after.color && JSON.stringify(before.line) === JSON.stringify(after.line),
);

function looks(style: Style | undefined): { bold?: boolean; dimColor?: boolean; color?: string } {
  if (style === undefined) return {};
  if (style === 'bold') return { bold: true };
  return style === 'dim' ? { dimColor: true } : { color: style };
}
